"""One file a command. A file declares `COMMAND`; nothing else is edited to add one."""
