"""A bank out of answers: construct scores, weights to the bank's pyramid, attitudes drawn so that they go together."""
