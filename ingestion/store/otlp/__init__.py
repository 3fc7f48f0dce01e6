"""How an OTLP body becomes rows of `spans`, said once, in SQL that is made from the tables of ingestion/conventions.

`attributes` reads key-value lists, `unfold` opens a batch file into one row a span, `fields` fills the canonical
fields, `usage` the token buckets, `content` messages and previews, `money` the cost, and `statement` puts the layers
together. Everything is pure: text in, text out. Values never enter the text; they come from the batch file, and only
the names of files are given as parameters.
"""
