export default {
  title: 'Model',
}
