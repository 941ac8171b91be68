"""The pages of processes: every one with its versions, to compare, publish and roll back."""
