"""Lists to files and back: export and import with Excel, in the background, with progress."""
