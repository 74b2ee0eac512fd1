export const page = 'none';
