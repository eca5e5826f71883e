/** All that needs three.js, as one script that is loaded when a model is to be shown. */
export { readModel } from './model'
export { Stage } from './stage'
