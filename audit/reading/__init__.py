"""Reading: filters, pages, exports."""
