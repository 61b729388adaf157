"""Official documents: the page that a QR leads to, and the list of those that one may open."""
