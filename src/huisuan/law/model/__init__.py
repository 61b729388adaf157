"""What a policy is made of: values, expressions, rules, answers. Pure data; every reading of the law starts here."""
