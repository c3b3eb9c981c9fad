"""What a run record keeps, and its form on disk; all pure. docs/record.md tells a stranger how to read one."""
