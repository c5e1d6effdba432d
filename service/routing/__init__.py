"""WHO: what a message is about and where it belongs. Pure: values in, values out, no clock, no database."""
