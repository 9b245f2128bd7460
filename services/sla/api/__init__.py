"""HTTP of sla: agencies and the operations centre read cases, and ask for the same moves as over the broker; everybody checks."""
