"""The ways out: one sub-package per channel; none knows another."""
