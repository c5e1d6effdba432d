"""HTTP: JSON for programs, pages for staff. A view parses, calls one action and presents."""
