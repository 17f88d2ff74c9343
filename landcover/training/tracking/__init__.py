"""Trainings shown in TensorBoard, MLflow or Weights & Biases while they run."""
