"""What pages are built of: tables, exports, charts, labels, navigation."""
