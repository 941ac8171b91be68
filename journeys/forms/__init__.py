"""What people type on the pages of the process, part by part."""
