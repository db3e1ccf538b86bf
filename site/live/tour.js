// The guided tour: what each step sets, and the part of the page that it is about; its words stand in strings.json

export const steps = [];
