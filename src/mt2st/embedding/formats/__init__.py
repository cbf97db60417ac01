"""Word vectors in files: one module for each format, all of them readers to and writers from the same stream.

`open_vectors` finds the format and opens it, `convert_vectors` goes between any two in flat memory, and
`mt2st.embedding.WordVectors` loads and saves through them. A reader trusts no byte: what a file claims is held against
its size before memory is reserved, and every fault is an `mt2st.errors.InputError` with its place.

Importing this package loads neither gensim nor torch.
"""
