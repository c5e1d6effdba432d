"""How soon: working time, targets, clocks and their explanation. Pure: values in, values out."""
