"""What every check kind shares: the contract, the result, the clock, the sockets, certificates and names."""
