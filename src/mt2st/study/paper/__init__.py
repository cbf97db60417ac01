"""The paper's experiments, repeated: its Tables I to III, its Figures 5 to 11 and its claims about time.

`protocol` cuts the data and sets up the models, `experiments` lists the runs, `tables`, `claims` and `writer` show
what came out and what the paper printed (`printed`). All of it is made of the parts that `mt2st compare` is made of.
"""
