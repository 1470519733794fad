"""The simulator: the laboratory's scenarios on a network that is calculated instead of built."""
