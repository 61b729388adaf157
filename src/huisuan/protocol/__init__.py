"""What client, agent and platform exchange: resources, placements, usage lines, hash chains, signatures. No I/O."""
