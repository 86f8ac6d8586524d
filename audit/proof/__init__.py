"""Proof: leaves, trees, signed checkpoints, and what they show to be wrong."""
