"""Pages of lists: the query parameters, the Link header and the signed cursor."""
