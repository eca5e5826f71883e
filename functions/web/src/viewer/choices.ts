/** What a person can choose about how the model is shown. No three.js in here: the controls come before it is loaded. */
export const modes = ['textured', 'clay', 'wireframe', 'normals', 'invented'] as const
export type Mode = typeof modes[number]

export const lights = ['soft', 'sun', 'edge', 'flat'] as const
export type Light = typeof lights[number]

export const backgrounds = ['studio', 'light', 'dark', 'clear'] as const
export type Background = typeof backgrounds[number]

/** The colour of invented surface, on the model and in the legend. */
export const INVENTED = '#7c6ae6'
