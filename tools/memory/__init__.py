"""How much memory of a GPU a training step takes, estimated without one."""
