"""Kubernetes Jobs, Volcano Jobs and PyTorchJobs as job requests."""
