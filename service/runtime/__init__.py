"""What runs the product: the processes of an installation, their addresses and their supervision; knows no ticket."""
