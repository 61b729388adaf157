"""The platform's side of the agents: enrolment, the exchange, what an agent is to do next."""
