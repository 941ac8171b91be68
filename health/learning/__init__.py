"""Statistics of proof: how well scores told who left, and which weights outcomes teach. Pure: arrays in, figures out.

Imports numpy and scipy, so it is itself imported only inside jobs and commands, never when the web starts.
"""
