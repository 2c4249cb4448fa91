export const userAgentOf = (vu) => `agent/${vu}`;
