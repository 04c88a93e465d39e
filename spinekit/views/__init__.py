"""Pictures and reports for people who would rather look than read; made of core values only."""
