/** A VM and its replica are two machines with one name to the user; the log must tell them apart. */
const suffix = '-replica';

export const replicaOf = (vm: string): string => vm + suffix;
