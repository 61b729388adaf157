"""The English of sentences that other rooms make and store in Chinese: reasons, notes, faults, a job's course.

`catalogue.english` is the one entrance; the `.toml` files hold the sentences, one file per subject (decision 023).
"""
