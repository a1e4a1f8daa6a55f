export const minimumPulumiVersion = "3.206.0";
