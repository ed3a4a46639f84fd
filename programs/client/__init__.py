"""The Python client of the on-chain programs: addresses, accounts, instructions, events, errors and the chain itself."""
