"""What every room shares and no room owns: errors, names, records, identities. No torch."""
