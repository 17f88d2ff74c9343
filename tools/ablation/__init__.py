"""Ablation studies on the demo scenes: what each part of a recipe is worth, over several seeds."""
