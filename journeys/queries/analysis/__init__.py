"""The sales process in figures, from history: one statement per figure, whatever the number of deals.

`scope` says which deals are looked at, `definitions` what each figure means. Nothing here writes.
"""
