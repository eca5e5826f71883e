import type { Messages } from '../en'

const shell: Messages['shell'] = {
  name: 'Recon3D',
  tagline: '一张照片，变成三维模型',
  skip: '跳到正文',
  home: 'Recon3D 首页',
  nav: '主导航',
  pictures: '图片',
  tasks: '模型',
  active: '{n} 个进行中',
  theme: '外观',
  themeAuto: '跟随系统',
  themeLight: '浅色',
  themeDark: '深色',
  signIn: '登录',
  offline: '网络已断开。已有的内容仍可查看，恢复后会自动继续。',
  retry: '重试',
  retryIn: '请在 {n} 秒后重试。',
  retryInMinutes: '请在 {n} 分钟后重试。',
  reference: '反馈时请提供编号：{id}',
  undo: '撤销',
  close: '关闭',
  loading: '加载中',
  loadFailed: '页面的这一部分未能加载。',
  loadFailedAdvice: '可能是网络断开，或页面已有更新。',
  reload: '刷新',
  notFound: '这里什么也没有',
  notFoundAdvice: '地址可能有误，或内容已被删除。',
  backHome: '回到图片',
  broken: '页面出了点问题。如果不能继续，请刷新。',
}

export default shell
