"""What a running service remembers of its entities: the memories of a declaration's windows, kept up to date event by event.

``state`` says what a service asks; ``sqlite_state`` answers it on one machine. Both speak in the memories of a plan, and what an
event sees is what the SQL of the history finds for it, to the last digit. What is kept of an entity is in ``entity`` (its rows)
and in ``outcomes``, which know of no database.
"""
