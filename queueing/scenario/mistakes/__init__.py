"""Common mistakes as rules: each looks at a case and says what it finds, with its evidence."""
