export default {
  title: 'Pictures',
}
