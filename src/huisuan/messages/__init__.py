"""Messages: what people are told, in the page, by mail and by webhook, and how often each of them wants it.

Every room above writes with `notify` (one) or `notify_all` (many), inside the transaction of the event itself: the
table of messages is the outbox, and what is rolled back is told to nobody. The background worker delivers. This room
rests on parties and base; it knows no job, bill or law: a message is a code of `texts.toml` with what stands in its
holes. The portal shows it, `compute/tasks.py` and the worker send it.
"""
