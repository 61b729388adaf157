"""The text of a policy, sentence by sentence, as the law is quoted."""
