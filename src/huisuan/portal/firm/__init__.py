"""A firm's own desk: members and invitations, projects, budgets, use by person and project, forecast, statements."""
