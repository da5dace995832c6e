"""One module per arrow of the flow: land, normalize, publish, aggregate, check, report."""
