"""Pure decisions of the process: snoozing, pipelines, stages."""
