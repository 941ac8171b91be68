"""Documents that write themselves: blocks made of live processes, as a page, as Markdown and as PDF."""
