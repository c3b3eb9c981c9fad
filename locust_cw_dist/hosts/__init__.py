"""The hosts: who calls whom, from which greenlet; they join the pure core to the edges and to Locust.

`recorder` takes request events wherever users run; `worker` ships what it folded, `single` hands it over in memory;
`master` receives; `publisher` sends. `runs` tells runs apart, `summary` says at the end what became of each.
"""
