"""The demo workspace: fictional companies whose fate follows known causes, made by set-based SQL."""
